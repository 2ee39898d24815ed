"""Local review page: play the film with its music, edit the cue sheet, plan again and render."""
