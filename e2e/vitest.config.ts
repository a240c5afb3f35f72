import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.test.ts'],
    // Calls are mostly waiting; more than two programs with their speech models would starve two cores.
    maxWorkers: 2,
    setupFiles: ['src/harness/print-logs.ts'],
    pool: 'forks',
    // For what hangs. How fast something is is never judged by them: a busy machine takes its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
