import { isObject, type JsonObject, objectsIn } from '../core/json.ts';

/** What the reports of a task say: tests as tests, and the figures of everything else. */
export function Reports({ output }: { output: JsonObject }) {
  const reports = Object.entries(isObject(output.process) ? output.process : {}).filter(([, report]) =>
    isObject(report),
  ) as [string, JsonObject][];
  if (reports.length === 0) return null;
  return (
    <ul className="reports" aria-label="Reports">
      {reports.map(([name, report]) => (
        <li key={name}>
          {typeof report.tests === 'number' ? (
            <Tests name={name} report={report} />
          ) : (
            <Other name={name} report={report} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Tests({ name, report }: { name: string; report: JsonObject }) {
  const [tests, skipped] = [Number(report.tests), Number(report.skipped ?? 0)];
  const bad = Number(report.failures ?? 0) + Number(report.errors ?? 0);
  const good = tests - bad - skipped;
  const said = [`${good} passed`, `${bad} failed`, ...(skipped > 0 ? [`${skipped} left out`] : [])].join(', ');
  const failed = objectsIn(report.failed);
  const share = (count: number) => ({ flexGrow: count });
  return (
    <>
      <p className="facts">
        <strong>{name}</strong>
        <span className={bad > 0 ? 'is-bad' : 'is-good'}>{said}</span>
        {report.seconds ? <span className="small">in {String(report.seconds)} s</span> : null}
      </p>
      <div className="shares" role="img" aria-label={`${name}: ${said}`}>
        <span className="is-good" style={share(good)} />
        <span className="is-bad" style={share(bad)} />
        <span style={share(skipped)} />
      </div>
      {failed.length > 0 ? (
        <ul className="failed" aria-label={`Failed tests of ${name}`}>
          {failed.map((one, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tests may share a name, and the list never changes
            <li key={index}>
              <code>{String(one.name)}</code> {String(one.message ?? '')}
            </li>
          ))}
          {failed.length < bad ? <li>and {bad - failed.length} more</li> : null}
        </ul>
      ) : null}
    </>
  );
}

function Other({ name, report }: { name: string; report: JsonObject }) {
  const told = report.error ? { error: report.error } : report;
  const figures = Object.entries(told).flatMap(([key, value]) =>
    isObject(value) && typeof value.percent === 'number'
      ? [`${key} ${value.percent} %`]
      : typeof value === 'number'
        ? [`${key} ${value}`]
        : key === 'error'
          ? [String(value)]
          : [],
  );
  return (
    <p className="facts">
      <strong>{name}</strong>
      <span className={report.error ? 'is-bad' : undefined}>{figures.join(', ')}</span>
    </p>
  );
}
