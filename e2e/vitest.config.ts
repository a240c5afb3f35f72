import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.test.ts'],
    // Calls are mostly waiting; more than two programs with their speech models would starve two cores.
    maxWorkers: 2,
    setupFiles: ['src/harness/print-logs.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
