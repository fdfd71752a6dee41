/** Work of one project that is ready, and how much of it is under way. */
export interface Share {
  project: string;
  underWay: number;
  /** When the oldest of what is ready came; earlier is older. */
  oldest: number;
}

/**
 * Whose work goes next: that of the project with the least under way, and of two such that which has waited longer. A project
 * never holds more than `most` places, so that one whose far sides hang leaves room for the others; work of the server itself
 * (no project) is not held up. Undefined where nobody may.
 */
export function nextProject(shares: readonly Share[], most: number): string | undefined {
  const may = shares.filter(({ project, underWay }) => project === '' || underWay < most);
  return may.toSorted((a, b) => a.underWay - b.underWay || a.oldest - b.oldest)[0]?.project;
}
