module.exports = {
  preset: 'jest-kubernetes',
  maxWorkers: 4, // they wait for the database more than they compute
};
