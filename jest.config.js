const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/jest.strip.js' },
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/.cache/'],
}

/** Unit tests stand beside the code; whole-system tests live in e2e/. */
export default {
  reporters: ['default', '<rootDir>/scripts/reporter.js'],
  globalSetup: '<rootDir>/scripts/jest-node.js',
  // A busy machine is no failure. Here and not under `projects`, where jest does not read it.
  testTimeout: 60_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{charts,cli,contract,detector,responder,scripts,rules,policies}/**/*.test.ts',
      ],
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/e2e/**/*.test.ts'] },
  ],
}
