"""How close training from weak labels comes to full supervision."""
