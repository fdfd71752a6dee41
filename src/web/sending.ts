import { type FormEvent, useState } from 'react';
import { messageOf } from '../core/error.ts';
import { session } from './session.ts';

/** A form on its way: busy while it is sent, and told what was said against it. `send` gets its fields and the pressed button's value. */
export function useSending(send: (fields: FormData, pressed: string) => Promise<void>) {
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setFault('');
    try {
      await send(fields, submitter instanceof HTMLButtonElement ? submitter.value : '');
    } catch (thrown) {
      session.heard(thrown);
      setFault(messageOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  return { fault, setFault, isBusy, submit };
}
