"""What a mail is made of, pure: recipients, headers that mean what they say, and the bytes of the whole."""
