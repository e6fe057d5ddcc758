"""Who stands before the pages: sign-in, sessions, and proof that a form was sent from a page of ours."""
