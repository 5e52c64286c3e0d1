//! Tables of both directions.
