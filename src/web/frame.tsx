import { Link, Outlet } from '@tanstack/react-router';
import { session } from './session.ts';

/** What is around each page. */
export function Frame({ name }: { name: string }) {
  return (
    <>
      <a className="skip" href="#root">
        To the content
      </a>
      <header className="bar">
        <Link to="/" search={{ page: 1, status: '' }} className="brand">
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" width="24" height="24" /> Millrace
        </Link>
        <nav className="rooms" aria-label="Pages of Millrace">
          <Link to="/" search={{ page: 1, status: '' }} activeOptions={{ exact: true, includeSearch: false }}>
            Executions
          </Link>
          <Link to="/deployments">Deployments</Link>
        </nav>
        <span className="who">{name}</span>
        <button type="button" onClick={session.signOut}>
          Sign out
        </button>
      </header>
      <Outlet />
    </>
  );
}

/** Says that the server is away: what is shown may be old, and goes on by itself. */
export function Away({ isConnected }: { isConnected: boolean }) {
  return (
    <p className="away" role="status" hidden={isConnected}>
      {isConnected ? '' : 'The server does not answer; this page goes on by itself when it is back.'}
    </p>
  );
}
