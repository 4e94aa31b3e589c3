module.exports = { preset: 'jest-kubernetes' };
