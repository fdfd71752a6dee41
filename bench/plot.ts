import type { Results, StoreFigures } from './run.ts';

/** One row of the plot: how many times the floor, and how many times it may be. */
interface Row {
  label: string;
  times: number;
  goal: number;
}

const [width, rowHeight, left] = [760, 34, 250];

/** The held figures beside the floor, as bars; the mark is the goal. Readable in light and in dark. */
export function draw({ sqlite, postgres, machine, date }: Results): string {
  const rows = [
    ...(sqlite ? rowsOf('SQLite', sqlite, { first: 1.3, twenty: 1.5, hundred: 1.2 }) : []),
    ...(postgres ? rowsOf('PostgreSQL', postgres, { first: 2.5, twenty: 1.5, hundred: 1.2 }) : []),
  ];
  const most = Math.max(...rows.flatMap(({ times, goal }) => [times, goal]), 2);
  const x = (times: number) => left + (times / most) * (width - left - 100);
  const height = rows.length * rowHeight + 80;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">`,
    '<title id="title">Time beside a bare server that starts the same processes; lower is better</title>',
    '<style>text{fill:#24292f}.bar{fill:#2f6feb}.over{fill:#bf6a02}.floor{stroke:#57606a}.goal{stroke:#1a7f37;stroke-width:3}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#58a6ff}.over{fill:#e3a008}.floor{stroke:#8b949e}.goal{stroke:#3fb950}}</style>',
    '<text x="10" y="24" font-size="15" font-weight="600">Times the floor (lower is better; the green mark is the goal)</text>',
    `<line class="floor" x1="${x(1)}" x2="${x(1)}" y1="40" y2="${height - 34}" stroke-dasharray="3 3"/>`,
    ...rows.map(({ label, times, goal }, index) => {
      const y = 44 + index * rowHeight;
      return [
        `<text x="10" y="${y + 17}">${label}</text>`,
        `<rect class="bar${times > goal ? ' over' : ''}" x="${left}" y="${y + 3}" width="${x(times) - left}" height="20" rx="3"/>`,
        `<line class="goal" x1="${x(goal)}" x2="${x(goal)}" y1="${y}" y2="${y + 26}"/>`,
        `<text x="${x(Math.max(times, goal)) + 8}" y="${y + 18}">${times.toFixed(2)}${times > goal ? ' over' : ''}</text>`,
      ].join('');
    }),
    `<text x="10" y="${height - 12}" font-size="11">${date} · ${machine}</text>`,
    '</svg>',
    '',
  ].join('\n');

  function rowsOf(
    name: string,
    { floor, ...figures }: StoreFigures,
    goals: { first: number; twenty: number; hundred: number },
  ): Row[] {
    return [
      { label: `${name}: webhook to process`, times: figures.firstMs.p50 / floor.firstMs.p50, goal: goals.first },
      { label: `${name}: twenty steps`, times: figures.twentyMs.p50 / floor.twentyMs.p50, goal: goals.twenty },
      {
        label: `${name}: a hundred at once`,
        times: figures.hundredAtOnceMs / floor.hundredAtOnceMs,
        goal: goals.hundred,
      },
    ];
  }
}
