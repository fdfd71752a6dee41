import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { messageOf } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { DeploymentActions, Offers } from './deployment-actions.tsx';
import { isGone } from './live.ts';
import { useSignedIn } from './root.tsx';
import { session } from './session.ts';
import { Moment, Status } from './status.tsx';
import { Values } from './task.tsx';

/** Milliseconds between two looks, while something is under way and while nothing is. */
const [soon, later] = [700, 5000];

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

export function DeploymentPage() {
  const { client } = useSignedIn();
  const { id } = useParams({ from: '/inside/deployments/$id' });
  const { data, error } = useQuery({
    queryKey: ['deployment', id],
    queryFn: () => client.json('GET', `/deployment/api/deployments/${id}`),
    refetchInterval: ({ state }) => (String(state.data?.status).endsWith('_INPROGRESS') ? soon : later),
  });
  return (
    <main>
      <nav className="crumbs" aria-label="Where you are">
        <Link to="/deployments">Deployments</Link>
      </nav>
      {error ? (
        <p className="fault" role="alert">
          {isGone(error) ? 'There is no such deployment any more.' : messageOf(error)}
        </p>
      ) : null}
      {data && !error ? <Deployment id={id} deployment={data} /> : null}
    </main>
  );
}

function Deployment({ id, deployment }: { id: string; deployment: JsonObject }) {
  const { name, status, lastRequest, projectName, blueprint, ownedBy, createdAt, leaseExpireAt, description } =
    deployment;
  const details = isObject(lastRequest) ? String(lastRequest.details ?? '') : '';
  document.title = `${String(name)} ${String(status)} · Millrace`;
  return (
    <>
      <div className="heading">
        <h1>{String(name)}</h1>
        <DeploymentActions id={id} />
      </div>
      <p className="facts" role="status">
        <Status status={String(status)} />
        <span className="message">{details}</span>
      </p>
      <p className="facts small">
        {description ? <strong className="words">{String(description)}</strong> : null}
        <span>{String(projectName)}</span>
        <span>blueprint {isObject(blueprint) ? String(blueprint.name) : ''}</span>
        <span>owned by {String(ownedBy)}</span>
        <span>
          made <Moment at={Date.parse(String(createdAt))} />
        </span>
        {leaseExpireAt ? (
          <span>
            lease ends <Moment at={Date.parse(String(leaseExpireAt))} />
          </span>
        ) : null}
      </p>
      <Steps actions={objects(deployment.actions)} />
      <Resources id={id} resources={objects(deployment.resources)} placements={objects(deployment.placements)} />
      <Drift id={id} />
      <section className="card" aria-label="Inputs and outputs">
        <Values title="Inputs" values={isObject(deployment.inputs) ? deployment.inputs : {}} />
        <Values title="Outputs" values={isObject(deployment.outputs) ? deployment.outputs : {}} isOpen />
      </section>
      <History id={id} />
    </>
  );
}

const stepStatus: Record<string, string> = { done: 'COMPLETED', failed: 'FAILED', open: 'NOT_STARTED' };

/** What the last request does or did, each step with its reason; those that leave everything as it is are not told. */
function Steps({ actions }: { actions: JsonObject[] }) {
  const told = actions.filter(({ because }) => !/ stays as it is\.$/.test(String(because)));
  if (told.length === 0) return null;
  return (
    <section className="card" aria-labelledby="steps">
      <h2 id="steps">Last request</h2>
      <ol className="plain">
        {told.map(({ id, state, because, changes }) => (
          <li key={String(id)}>
            <Status status={stepStatus[String(state)] ?? 'RUNNING'} /> <strong>{String(id)}</strong>{' '}
            <span className="words small">{String(because)}</span>
            <Changes changes={objects(changes)} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What was left, what was found, what is asked for. */
function Changes({ changes }: { changes: JsonObject[] }) {
  if (changes.length === 0) return null;
  return (
    <table className="changes">
      <thead>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">was left</th>
          <th scope="col">was found</th>
          <th scope="col">shall be</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ property, before, after, actual, isKnown, kept }) => (
          <tr key={String(property)}>
            <th scope="row">{String(property)}</th>
            <td>{shown(before)}</td>
            <td>{actual === undefined ? '' : shown(actual)}</td>
            <td>{isKnown === false ? 'known later' : kept === true ? `${shown(after)} (stays)` : shown(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function Resources({ id, resources, placements }: { id: string; resources: JsonObject[]; placements: JsonObject[] }) {
  const [chosen, choose] = useState<string>();
  const placeOf = ({ name, node }: JsonObject) =>
    placements.find(({ resource }) => resource === name) ?? placements.find(({ resource }) => resource === node);
  return (
    <section aria-labelledby="resources">
      <h2 id="resources">Resources</h2>
      <table className="runs">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Resource</th>
            <th scope="col">Address</th>
            <th scope="col">Where</th>
            <th scope="col">Why there</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {resources.map((resource) => {
            const properties = isObject(resource.properties) ? resource.properties : {};
            const isOff = properties.powerState === 'OFF';
            return (
              <tr key={String(resource.id)}>
                <td>
                  <Status status={isOff ? 'OFF' : String(resource.state)} />
                </td>
                <th scope="row">
                  {String(resource.name)}
                  <span className="project">{String(resource.type)}</span>
                </th>
                <td>{String(properties.address ?? '')}</td>
                <td>{String(resource.zone ?? '')}</td>
                <td className="words small">{String(resource.message || placeOf(resource)?.because || '')}</td>
                <td>
                  <button
                    type="button"
                    aria-expanded={chosen === resource.id}
                    onClick={() => choose(chosen === resource.id ? undefined : String(resource.id))}
                  >
                    Actions<span className="hidden"> of {String(resource.name)}</span>
                  </button>
                  {chosen === resource.id ? (
                    <Offers deployment={id} path={`/deployment/api/resources/${chosen}`} />
                  ) : null}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** Asks the clouds how everything is; that takes them a moment, so only when somebody wants to know. */
function Drift({ id }: { id: string }) {
  const { client } = useSignedIn();
  const [found, setFound] = useState<JsonObject>();
  const [fault, setFault] = useState('');
  const look = async () => {
    setFault('');
    try {
      const { resources } = await client.json('GET', `/deployment/api/deployments/${id}/drift`);
      setFound(isObject(resources) ? resources : {});
    } catch (thrown) {
      session.heard(thrown);
      setFault(messageOf(thrown));
    }
  };
  const wrong = Object.entries(found ?? {}).filter(([, value]) => value === 'gone' || objects(value).length > 0);
  return (
    <section className="card" aria-label="Changed outside">
      <button type="button" onClick={() => void look()}>
        Look for changes from outside
      </button>
      <p className="fault" role="alert">
        {fault}
      </p>
      <div role="status">
        {found && wrong.length === 0 ? <p>Everything is as it was left.</p> : null}
        {wrong.map(([instance, value]) => (
          <div key={instance}>
            <strong>{instance}</strong> {value === 'gone' ? 'is gone' : <Changes changes={objects(value)} />}
          </div>
        ))}
      </div>
    </section>
  );
}

function History({ id }: { id: string }) {
  const { client } = useSignedIn();
  const queries = useQueryClient();
  const updatedAt = queries.getQueryState(['deployment', id])?.dataUpdatedAt;
  const { data } = useQuery({
    queryKey: ['history', id, updatedAt],
    queryFn: () => client.json('GET', `/deployment/api/deployments/${id}/userEvents?size=50`),
    placeholderData: (before) => before,
  });
  const events = objects(data?.content);
  return (
    <section className="card" aria-labelledby="history">
      <h2 id="history">History</h2>
      <ol className="plain">
        {events.map(({ id: event, name, status, requestedBy, createdAt, details }) => (
          <li key={String(event)}>
            <Status status={String(status)} /> <strong>{String(name)}</strong> by {String(requestedBy)},{' '}
            <Moment at={Date.parse(String(createdAt))} /> <span className="words small">{String(details)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
