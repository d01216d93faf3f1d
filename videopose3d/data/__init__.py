"""Files that come with the package, such as the demo clip."""
