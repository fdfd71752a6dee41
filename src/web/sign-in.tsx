import { type FormEvent, useState } from 'react';
import { messageOf } from '../core/error.ts';
import { session } from './session.ts';

export function SignIn() {
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setFault('');
    try {
      await session.signIn(String(given.get('username')), String(given.get('password')));
    } catch (thrown) {
      setFault(messageOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" width="36" height="36" /> Millrace
        </h1>
        <label>
          User name
          {/* biome-ignore lint/a11y/noAutofocus: the page has no other purpose */}
          <input name="username" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p className="fault" role="alert">
          {fault}
        </p>
        <button type="submit" className="main" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
