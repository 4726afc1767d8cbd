//! Last touches to rows before they are written: `polish:`.
