import { useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { openClient } from '../api/client.ts';
import { messageOf } from '../core/error.ts';
import { type JsonObject, objectsIn } from '../core/json.ts';
import { plain } from './plain.ts';
import { useSending } from './sending.ts';
import { Moment } from './status.tsx';

const client = openClient({ url: '', token: '' });

/** A question for whoever came by the link of a mail: nobody signs in, and nothing happens before a button is pressed. */
export function AnswerPage() {
  const { token } = useParams({ strict: false }) as { token: string };
  const path = `/api/answers/${encodeURIComponent(token)}`;
  const [question, setQuestion] = useState<JsonObject>();
  const { fault, setFault, isBusy, submit } = useSending(async (fields, status) => {
    setQuestion(await client.json('POST', path, { status, responseMessage: String(fields.get('comment')) }));
  });
  useEffect(() => {
    client.json('GET', path).then(setQuestion, (thrown) => setFault(messageOf(thrown)));
  }, [path, setFault]);
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit} aria-label="Answer">
        <h1>
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" width="36" height="36" /> Millrace
        </h1>
        {question ? <Asked question={question} /> : null}
        {question?.mayAnswer ? (
          <label>
            Comment
            <textarea name="comment" rows={3} />
          </label>
        ) : null}
        <p className="fault" role="alert">
          {fault}
        </p>
        {question?.mayAnswer ? (
          <div className="actions">
            <button type="submit" className="main" value="APPROVED" disabled={isBusy}>
              Approve
            </button>
            <button type="submit" className="danger" value="REJECTED" disabled={isBusy}>
              Reject
            </button>
          </div>
        ) : null}
      </form>
    </main>
  );
}

function Asked({ question }: { question: JsonObject }) {
  const { summary, description, pipelineName, executionIndex, stage, task, requestedBy, you, status } = question;
  const needed = Number(question.approvalsNeeded);
  const approved = objectsIn(question.responses).map(({ respondedBy }) => String(respondedBy));
  const said: Record<string, string> = {
    ACTIVE: `You have answered. ${approved.length} of ${needed} have approved.`,
    APPROVED: `Approved by ${approved.join(' and ') || String(question.respondedBy)}.`,
    REJECTED: `Rejected by ${String(question.respondedBy)}.`,
    EXPIRED: 'The time to answer is over.',
    CANCELED: 'The question was withdrawn.',
  };
  return (
    <>
      <h2>{String(summary)}</h2>
      {description ? <p>{plain(String(description))}</p> : null}
      <p className="facts small">
        <span>
          {String(pipelineName)} #{String(executionIndex)}, {String(stage)}.{String(task)}
        </span>
        <span>asked for {String(requestedBy)}</span>
        <span>you are {String(you)}</span>
        {needed > 1 ? (
          <span>
            {approved.length} of {needed} have approved
          </span>
        ) : null}
        {question.expiresAt ? (
          <span>
            until <Moment at={Number(question.expiresAt)} />
          </span>
        ) : null}
      </p>
      {question.mayAnswer ? null : <p role="status">{said[String(status)] ?? String(status)}</p>}
    </>
  );
}
