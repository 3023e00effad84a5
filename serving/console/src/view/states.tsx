/**
 * What stands in place of the models while there are none to show.
 */

export function Waiting() {
  return (
    <div class="state" aria-busy="true">
      <div class="skeleton wide" />
      <div class="skeleton" />
      <div class="skeleton" />
      <p class="quiet">Asking the gateway…</p>
    </div>
  );
}

export function Unreachable() {
  return (
    <div class="state" data-state="unreachable">
      <h2>The gateway does not answer</h2>
      <p>This page is here, but nobody tells it what is served. It asks again every second.</p>
      <ul>
        <li>
          Is the gateway running? <code>penstock serve</code> prints the address it listens on.
        </li>
        <li>Is there a proxy in between? It must let through /console/figures and /v1/.</li>
      </ul>
    </div>
  );
}

export function NoModels() {
  return (
    <div class="state" data-state="no-models">
      <h2>Nothing is published yet</h2>
      <p>The gateway runs and watches its model directory. As soon as a version is there, it appears on this page.</p>
      <p>Train and publish one, into the same directory:</p>
      <pre class="code">
        <code>penstock train digits --models models</code>
      </pre>
    </div>
  );
}
