"""Publish to a Hub and download from it: releases, results, models and the Space, with their cards."""
