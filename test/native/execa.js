module.exports = require('./require')('execa');
