//! Development only: a scripted server in a real process, fixtures and project folders for tests.
