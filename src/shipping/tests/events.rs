//! OCSF events.
