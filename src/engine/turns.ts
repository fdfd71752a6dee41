export type Turns = ReturnType<typeof openTurns>;

/** Work on the same thing goes one after the other, in the order in which it came; what fails holds up nobody. */
export function openTurns() {
  const last = new Map<string, Promise<unknown>>();

  return {
    take<T>(name: string, work: () => Promise<T>): Promise<T> {
      const before = last.get(name);
      const done = before ? before.then(work, work) : work();
      last.set(name, done);
      const leave = () => {
        if (last.get(name) === done) last.delete(name);
      };
      done.then(leave, leave);
      return done;
    },
  };
}
