import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { messageOf } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { Away } from './frame.tsx';
import { useBell, useNow } from './live.ts';
import { useSignedIn } from './root.tsx';
import { Duration, Moment, Status } from './status.tsx';

export const pageSize = 25;
const filters = {
  '': 'All',
  RUNNING: 'Running',
  WAITING: 'Waiting for people',
  FAILED: 'Failed',
  COMPLETED: 'Completed',
} as const;

/** What the address says about the list. */
export interface Listed {
  page: number;
  status: string;
}

export const listedIn = (search: Record<string, unknown>): Listed => ({
  page: Math.max(1, Math.trunc(Number(search.page)) || 1),
  status: String(search.status ?? '') in filters ? String(search.status ?? '') : '',
});

export function Executions() {
  const { client } = useSignedIn();
  const { page, status } = useSearch({ from: '/inside/' });
  const navigate = useNavigate({ from: '/' });
  const queries = useQueryClient();
  const isConnected = useBell(client, () => void queries.invalidateQueries({ queryKey: ['executions'] }));
  const { data, error, isPending } = useQuery({
    queryKey: ['executions', page, status],
    queryFn: () => client.json('GET', `/codestream/api/executions?${queryOf({ page, status })}`),
    placeholderData: keepPreviousData,
  });
  const runs = Object.values(isObject(data?.documents) ? data.documents : {}).filter(isObject);
  const total = Number(data?.totalCount ?? 0);
  const last = Math.max(1, Math.ceil(total / pageSize));
  const isTicking = runs.some((run) => !endOf(run));
  return (
    <main>
      <Away isConnected={isConnected} />
      <div className="heading">
        <h1>Executions</h1>
        <label className="filter">
          Show
          <select
            value={status}
            onChange={({ target }) => void navigate({ search: { page: 1, status: target.value } })}
          >
            {Object.entries(filters).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      {error ? (
        <p className="fault" role="alert">
          {messageOf(error)}
        </p>
      ) : null}
      {!isPending && runs.length === 0 && !error ? (
        <p className="empty">
          {status ? 'No run is in this state.' : 'Nothing has run yet. Import a pipeline and run it: '}
          {status ? null : <code>millrace import pipeline.yaml</code>}
        </p>
      ) : (
        <Table runs={runs} isTicking={isTicking} />
      )}
      {last > 1 ? (
        <nav className="pages" aria-label="Pages">
          <Link to="/" search={{ page: page - 1, status }} disabled={page <= 1}>
            Newer
          </Link>
          <span>
            Page {page} of {last}
          </span>
          <Link to="/" search={{ page: page + 1, status }} disabled={page >= last}>
            Older
          </Link>
        </nav>
      ) : null}
    </main>
  );
}

function Table({ runs, isTicking }: { runs: JsonObject[]; isTicking: boolean }) {
  const now = useNow(isTicking);
  return (
    <table className="runs">
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Run</th>
          <th scope="col">What for</th>
          <th scope="col">By</th>
          <th scope="col">Requested</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={String(run.id)}>
            <td>
              <Status status={String(run.status)} />
            </td>
            <th scope="row">
              <Link to="/executions/$id" params={{ id: String(run.id) }}>
                {String(run.name)} #{String(run.index)}
              </Link>
              <span className="project">{String(run.project)}</span>
            </th>
            <td className="words">{purposeOf(run)}</td>
            <td>{String(run._triggeredBy ?? '')}</td>
            <td>
              <Moment at={Number(run._requestTimeInMicros) / 1000} />
            </td>
            <td>
              <Duration from={Number(run._requestTimeInMicros) / 1000} to={endOf(run) || now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What tells this run from others: the input that the pipeline stars, else what was said when it was started. */
function purposeOf({ starred, input, comments, statusMessage }: JsonObject): string {
  const name = isObject(starred) ? String(starred.input ?? '') : '';
  const value = isObject(input) && name ? input[name] : '';
  return String(value || comments || statusMessage || '');
}

const endOf = ({ _requestTimeInMicros: from, _totalDurationInMicros: took }: JsonObject): number =>
  Number(took) > 0 ? (Number(from) + Number(took)) / 1000 : 0;

function queryOf({ page, status }: Listed): URLSearchParams {
  const wanted = new URLSearchParams({ $top: String(pageSize), $skip: String((page - 1) * pageSize) });
  if (status) wanted.set('$filter', `status eq '${status}'`);
  return wanted;
}
