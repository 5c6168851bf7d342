"""The portal's texts in Chinese for Taiwan and for the mainland, and their checker."""
