//! Events of `database`: servers that move, connections that end, calls that are sent again.
