"""The networks themselves and the devices that they run on; nothing about moods."""
