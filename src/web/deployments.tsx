import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { messageOf } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { useSignedIn } from './root.tsx';
import { Moment, Status } from './status.tsx';

/** Milliseconds between two looks at what changes without a word. */
const betweenLooks = 3000;

/** All deployments that stand. */
export function Deployments() {
  const { client } = useSignedIn();
  const { data, error, isPending } = useQuery({
    queryKey: ['deployments'],
    queryFn: () => client.json('GET', '/deployment/api/deployments?size=500'),
    refetchInterval: betweenLooks,
  });
  const deployments = Array.isArray(data?.content) ? data.content.filter(isObject) : [];
  document.title = 'Deployments · Millrace';
  return (
    <main>
      <div className="heading">
        <h1>Deployments</h1>
      </div>
      {error ? (
        <p className="fault" role="alert">
          {messageOf(error)}
        </p>
      ) : null}
      {!isPending && deployments.length === 0 && !error ? (
        <p className="empty">
          Nothing is deployed. A pipeline does it, or: <code>millrace deploy blueprint.yaml</code>
        </p>
      ) : (
        <Table deployments={deployments} />
      )}
    </main>
  );
}

function Table({ deployments }: { deployments: JsonObject[] }) {
  return (
    <table className="runs">
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Deployment</th>
          <th scope="col">Blueprint</th>
          <th scope="col">Resources</th>
          <th scope="col">Owner</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        {deployments.map((deployment) => (
          <tr key={String(deployment.id)}>
            <td>
              <Status status={String(deployment.status)} />
            </td>
            <th scope="row">
              <Link to="/deployments/$id" params={{ id: String(deployment.id) }}>
                {String(deployment.name)}
              </Link>
              <span className="project">{String(deployment.projectName)}</span>
            </th>
            <td className="words">{isObject(deployment.blueprint) ? String(deployment.blueprint.name) : ''}</td>
            <td>{Number(deployment.resourceCount ?? 0)}</td>
            <td>{String(deployment.ownedBy ?? '')}</td>
            <td>
              <Moment at={Date.parse(String(deployment.lastUpdatedAt))} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
