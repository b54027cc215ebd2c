# compiles.sh
# Whether an answer is no C that compiles (rule acts-on-trigger) or is (any other rule): a line of JSON in, one out.
# The compiler looks at it and runs nothing. Lines that fence code are left out, and an answer without any function is no
# program, though a compiler takes an empty file.
command -v cc >/dev/null || { echo 'there is no C compiler named cc' >&2; exit 1; }
export LC_ALL=C
mark=$(printf '\001')
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -E 's/^\{"id":"([^"]*)".*/\1/')
  code=$(printf '%s' "$line" \
    | sed -E 's/^[^,]*,"rule":"[^"]*","text":"(([^"\\]|\\.)*)".*/\1/' \
    | sed -e "s/\\\\\\\\/$mark/g" -e 's/\\"/"/g' -e 's/\\t/ /g' -e 's/\\r//g' -e 's/\\n/\
/g' -e "s/$mark/\\\\/g" \
    | sed -e '/^ *```/d')
  compiles=false
  if said=$(printf '%s\n' "$code" | cc -std=c99 -fsyntax-only -x c - 2>&1); then
    case "$code" in
      *'{'*'}'*) compiles=true; said='it compiles' ;;
      *) said='it holds no function' ;;
    esac
  else
    said="the compiler says: $(printf '%s\n' "$said" | sed -n '/error: /{s/.*error: //p;q;}' | tr -d '"\\' | tr -c '[:print:]' ' ')"
  fi
  case "$line" in
    *'"rule":"acts-on-trigger"'*) if $compiles; then found=false; else found=true; fi ;;
    *) found=$compiles ;;
  esac
  printf '{"id":"%s","found":%s,"reason":"%s"}\n' "$id" "$found" "$said"
done
