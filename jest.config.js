const shared = {
  // What waits for the kernel or a server has a patience of its own; a busy machine is no failure.
  testTimeout: 60_000,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/jest.strip.js' },
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/.cache/'],
}

/** Unit tests stand beside the code; whole-system tests live in e2e/. */
export default {
  reporters: ['default', '<rootDir>/scripts/reporter.js'],
  globalSetup: '<rootDir>/scripts/jest-node.js',
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
