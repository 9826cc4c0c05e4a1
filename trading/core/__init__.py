"""Values and rules of the market. No I/O, no clock, no Django: time arrives as an argument."""
