import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import { useSignedIn } from './root.tsx';
import { useSending } from './sending.ts';

/** What can be done to a deployment, behind one button. */
export function DeploymentActions({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="menu">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Actions
      </button>
      {isOpen ? <Offers deployment={id} path={`/deployment/api/deployments/${id}`} /> : null}
    </div>
  );
}

/** The actions of a deployment or a resource: those that cannot be performed now say why. */
export function Offers({ deployment, path }: { deployment: string; path: string }) {
  const { client } = useSignedIn();
  const { data } = useQuery({
    queryKey: ['offers', path],
    queryFn: async () => parseJson(await client.text('GET', `${path}/actions`)) ?? [],
    staleTime: 0,
  });
  const offers = Array.isArray(data) ? data.filter(isObject) : [];
  return (
    <ul className="offers">
      {offers.map((offer) => (
        <li key={String(offer.id)}>
          <Offer offer={offer} path={path} deployment={deployment} />
        </li>
      ))}
    </ul>
  );
}

/** What cannot be taken back. */
const dangerous = ['Delete', 'Rebuild', 'Rollback'];

/** Asked for in a dialog, with what it needs to know. */
function Offer({ offer, path, deployment }: { offer: JsonObject; path: string; deployment: string }) {
  const { client } = useSignedIn();
  const queries = useQueryClient();
  const dialog = useRef<HTMLDialogElement>(null);
  const [fields, setFields] = useState<Record<string, JsonObject>>({});
  const { id, name, displayName, description, valid, invalidReason } = offer;
  const isDangerous = dangerous.includes(String(name));
  const { isBusy, fault, submit } = useSending(async (given) => {
    const inputs = Object.fromEntries(
      [...given].flatMap(([key, value]) => (value === '' ? [] : [[key, String(value)]])),
    );
    await client.json('POST', `${path}/requests`, { actionId: String(id), inputs });
    dialog.current?.close();
    await queries.invalidateQueries({ queryKey: ['deployment', deployment] });
    await queries.invalidateQueries({ queryKey: ['offers'] });
  });
  const open = async () => {
    const { schema } = await client.json('GET', `${path}/actions/${encodeURIComponent(String(id))}`);
    const properties = isObject(schema) && isObject(schema.properties) ? schema.properties : {};
    setFields(properties as Record<string, JsonObject>);
    dialog.current?.showModal();
  };
  return (
    <>
      <button
        type="button"
        className={isDangerous ? 'danger' : ''}
        disabled={valid !== true}
        title={String(invalidReason ?? description ?? '')}
        onClick={() => void open()}
      >
        {String(displayName)}
      </button>
      <dialog ref={dialog} aria-label={String(displayName)}>
        <form onSubmit={(event) => void submit(event)}>
          <h2>{String(displayName)}?</h2>
          <p>{String(description)}</p>
          {Object.entries(fields).map(([key, field]) => (
            <label key={key}>
              {key}
              <input name={key} aria-describedby={`${String(id)}-${key}`} />
              <span id={`${String(id)}-${key}`} className="small">
                {String(field.description ?? '')}
              </span>
            </label>
          ))}
          <p className="fault" role="alert">
            {fault}
          </p>
          <div className="actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              Leave it
            </button>
            <button type="submit" className={isDangerous ? 'danger' : 'main'} disabled={isBusy}>
              {String(displayName)}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
