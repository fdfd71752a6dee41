import type { Approval, Execution, Question } from '../pipeline/execution.ts';
import { plain } from './plain.ts';
import { useSignedIn } from './root.tsx';
import { useSending } from './sending.ts';
import { Moment } from './status.tsx';

/** What the run asks people, with room for their answer. */
export function Questions({ run }: { run: Execution }) {
  return Object.entries(run.tasks).map(([name, task]) =>
    task.status === 'WAITING' ? (
      <Asked key={task.question.id} task={name} question={task.question} approvals={task.approvals ?? []} />
    ) : null,
  );
}

function Asked({ task, question, approvals }: { task: string; question: Question; approvals: Approval[] }) {
  const { client } = useSignedIn();
  const named = [...question.approvers, ...question.approverGroups].filter(Boolean);
  const { fault, isBusy, submit } = useSending(async (fields, status) => {
    const answer = { status, responseMessage: String(fields.get('comment')) };
    await client.json('PATCH', `/codestream/api/user-operations/${question.id}`, answer);
  });
  return (
    <form className="card asks" onSubmit={submit} aria-label={`${task} asks`}>
      <h2>{question.summary || `${task} asks for an answer`}</h2>
      {question.description ? <p>{plain(question.description)}</p> : null}
      <p className="facts small">
        <span>
          {task} · {question.index}
        </span>
        {named.length > 0 ? <span>for {named.join(', ')}</span> : null}
        {question.needed ? (
          <span>
            {approvals.length} of {question.needed} have approved
            {approvals.length > 0 ? `: ${approvals.map(({ by }) => by).join(', ')}` : ''}
          </span>
        ) : null}
        {question.expiresAt ? (
          <span>
            until <Moment at={question.expiresAt} />
          </span>
        ) : null}
      </p>
      <label>
        Comment
        <textarea name="comment" rows={2} />
      </label>
      <p className="fault" role="alert">
        {fault}
      </p>
      <div className="actions">
        <button type="submit" className="main" value="APPROVED" disabled={isBusy}>
          {question.about === 'uncertain' ? 'Repeat the call' : 'Approve'}
        </button>
        <button type="submit" className="danger" value="REJECTED" disabled={isBusy}>
          {question.about === 'uncertain' ? 'Let the task fail' : 'Reject'}
        </button>
      </div>
    </form>
  );
}
