"""URLs and signatures, made from options without a request. The chapters of the storage and fast PUT use it."""
