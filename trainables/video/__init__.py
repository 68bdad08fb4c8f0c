"""Videos: decoding, backbones, contact sheets, and made-up videos."""
