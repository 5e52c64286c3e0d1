//! What operators deploy: units, chart, rules, container files. Each is judged by the software that will read it.

mod systemd;
