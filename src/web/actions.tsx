import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { messageOf } from '../core/error.ts';
import { type Execution, isOver } from '../pipeline/execution.ts';
import { mayReopen } from '../pipeline/reopen.ts';
import { useSignedIn } from './root.tsx';
import { session } from './session.ts';

/** What one may do with a run as it stands. */
export function Actions({ run }: { run: Execution }) {
  const { client } = useSignedIn();
  const navigate = useNavigate();
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const { execution } = run.plan;
  const act = async (action: string, reason = '') => {
    setBusy(true);
    setFault('');
    try {
      const answer = await client.json('POST', `/codestream/api/executions/${execution}?action=${action}`, { reason });
      const { executionId } = answer;
      if (executionId) await navigate({ to: '/executions/$id', params: { id: String(executionId) }, search: {} });
    } catch (thrown) {
      session.heard(thrown);
      setFault(messageOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="actions">
      <p className="fault" role="alert">
        {fault}
      </p>
      {isOver(run) ? (
        <>
          {mayReopen(run) ? (
            <button type="button" disabled={isBusy} onClick={() => void act('rerun&fromFailed=true')}>
              Re-run from failed
            </button>
          ) : null}
          <button type="button" disabled={isBusy} onClick={() => void act('rerun')}>
            Re-run
          </button>
        </>
      ) : (
        <>
          {run.paused ? (
            <button type="button" disabled={isBusy} onClick={() => void act('resume')}>
              Resume
            </button>
          ) : (
            <button type="button" disabled={isBusy || run.ending !== null} onClick={() => void act('pause')}>
              Pause
            </button>
          )}
          <button
            type="button"
            className="danger"
            disabled={isBusy || run.ending?.status === 'CANCELED'}
            onClick={() => dialog.current?.showModal()}
          >
            Cancel
          </button>
        </>
      )}
      <dialog ref={dialog} aria-label="Cancel this run">
        <form
          method="dialog"
          onSubmit={(event) => void act('cancel', String(new FormData(event.currentTarget).get('reason')))}
        >
          <h2>
            Cancel {run.plan.pipeline.name} #{run.plan.index}?
          </h2>
          <p>What runs is stopped, and the stages that clean up still run.</p>
          <label>
            Reason
            <input name="reason" />
          </label>
          <div className="actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              Let it run
            </button>
            <button type="submit" className="danger">
              Cancel the run
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
}
