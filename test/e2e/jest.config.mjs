// The e2e tier: one worker, since the scenarios share the machine and their figures are times. `npm run test:e2e` prepares the ground and sets E2E_*.
export default {
  rootDir: '../..',
  testEnvironment: 'node',
  roots: ['<rootDir>/test/e2e'],
  testMatch: ['<rootDir>/test/e2e/*.test.ts'],
  testSequencer: '<rootDir>/test/e2e/sequencer.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' }],
  },
  testTimeout: 300_000,
  maxWorkers: 1,
};
