"""Publishes to a Hub and takes from it: releases, results, models and the Space, with their cards."""
