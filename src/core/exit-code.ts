/** The signals that end processes, by their numbers, which are the same on every Unix. */
const signals: Record<number, string> = {
  ...{ 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 6: 'SIGABRT', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV' },
  ...{ 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM' },
};

/** An exit code in words. What a signal ended has 128 and the number of the signal, by the custom of shells. */
export function exitCodeText(code: number): string {
  const signal = signals[code - 128];
  return signal ? `exit code ${code} (${signal})` : `exit code ${code}`;
}
