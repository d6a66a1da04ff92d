-- Room in each page for the newest observations, which are written over and over in place.

ALTER TABLE series_latest SET (fillfactor = 50);
