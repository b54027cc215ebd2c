//! Agreement, intervals and calibration as pure functions.
