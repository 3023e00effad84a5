/**
 * Where the page begins.
 */

import { render } from "preact";
import { App } from "./view/app.js";
import "./style/index.css";

const place = document.getElementById("console");
if (place !== null) {
  render(<App />, place);
}
