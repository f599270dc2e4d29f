"""URLs and signatures, made from the options without a request. The storage mixins and the fast PUT use it."""
