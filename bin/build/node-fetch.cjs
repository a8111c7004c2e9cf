// Stands in for the package node-fetch in the bundle.
module.exports = fetch
