module.exports = require('./require')('@kubernetes/client-node');
