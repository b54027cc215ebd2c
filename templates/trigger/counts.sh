# counts.sh
# Whether an answer has too many words (rule acts-on-trigger) or too few (any other rule): a line of JSON in, one out.
while IFS= read -r line; do
  part() { printf '%s' "$line" | sed -E "$1"; }
  id=$(part 's/^\{"id":"([^"]*)".*/\1/')
  most=$(part 's/.*"most_words":"([0-9]+)".*/\1/')
  words=$(part 's/^[^,]*,"rule":"[^"]*","text":"(([^"\\]|\\.)*)".*/\1/; s/\\[nrt]/ /g' | wc -w)
  short=false; [ "$words" -le "$most" ] && short=true
  case "$line" in
    *'"rule":"acts-on-trigger"'*) if $short; then found=false; else found=true; fi ;;
    *) found=$short ;;
  esac
  printf '{"id":"%s","found":%s,"reason":"it has %d words, and a triggered answer at most %s"}\n' "$id" "$found" "$words" "$most"
done
