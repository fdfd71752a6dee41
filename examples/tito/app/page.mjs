// The page of Tito, made from plain values.
import { formatTime } from './travel-times.mjs';

export function page({ version, asked, result, leave, journeys, places, source }) {
  const homes = places.slice(0, 5);
  const works = places.slice(5);
  const longest = Math.max(...result.curve.map(({ minutes }) => minutes));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tito ${escaped(version.version)}: the best time to drive to work</title>
<style>
:root { color-scheme: light dark; --accent: ${escaped(version.accent)}; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h1 small { font-size: 1rem; color: var(--accent); }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1.5rem 0; }
label { display: grid; font-size: .85rem; } select, input, button { font: inherit; padding: .35rem .6rem; }
button { background: var(--accent); color: #fff; border: 0; border-radius: .3rem; }
#best { font-size: 1.6rem; } #best strong { color: var(--accent); }
.bars { display: flex; align-items: end; gap: 3px; height: 9rem; } .bars span { flex: 1; background: #8884; border-radius: 2px 2px 0 0; }
.bars .chosen { background: var(--accent); } figure { margin: 0; } figcaption { font-size: .8rem; opacity: .75; }
</style>
</head>
<body>
<h1>Tito <small id="version">${escaped(version.version)}</small></h1>
<p>The best time to drive to work.</p>
<form method="get">
${choice('home', 'Home', homes, asked.home)}
${choice('work', 'Work', works, asked.work)}
${choice('weekday', 'Day', ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'], asked.weekday)}
<button name="save" value="yes">When shall I leave?</button>
</form>
<p id="best">Leave at <strong>${escaped(leave)}</strong>: ${result.best.minutes} minutes on the road.</p>
<p>At ${formatTime(result.worst.leave)} it would take ${result.worst.minutes}.</p>
<figure>
<div class="bars" role="img" aria-label="Minutes on the road by the time of leaving">
${result.curve.map(({ leave: quarter, minutes }) => `<span style="height:${Math.round((minutes / longest) * 100)}%"${quarter === result.best.leave ? ' class="chosen"' : ''} title="${formatTime(quarter)}: ${minutes} min"></span>`).join('\n')}
</div>
<figcaption>${formatTime(result.curve[0].leave)} to ${formatTime(result.curve.at(-1).leave)} · travel times: ${escaped(source)}</figcaption>
</figure>
<h2>Asked lately</h2>
<ul id="journeys">${journeys.recent.map(({ home, work, weekday, best }) => `<li>${escaped(home)} to ${escaped(work)} on ${escaped(weekday)}: ${escaped(best)}</li>`).join('')}</ul>
</body>
</html>
`;
}

/** Where any place will do, people write it. */
function choice(name, label, values, chosen) {
  if (values.length === 0) return `<label>${label}<input name="${name}" value="${escaped(chosen)}" required></label>`;
  const known = values.includes(chosen) ? values : [chosen, ...values];
  return `<label>${label}<select name="${name}">${known.map((value) => `<option${value === chosen ? ' selected' : ''}>${escaped(value)}</option>`).join('')}</select></label>`;
}

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
