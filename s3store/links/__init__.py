"""URLs and signatures, made from the options without a request. The storage mixins and fast PUT use it."""
