//! Names of people and things in the sample graph.

/// First names.
pub(super) const FIRST: [&str; 40] = [
    "Ada", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Leila", "Mara",
    "Noor", "Oskar", "Priya", "Quinn", "Rosa", "Samir", "Tomas", "Ursula", "Vera", "Wanda", "Ximena", "Yuki", "Zora",
    "Anton", "Bea", "Cyril", "Dana", "Emil", "Felix", "Gwen", "Hana", "Igor", "Jelena", "Klara", "Luca", "Mina",
    "Nils",
];

/// Last names.
pub(super) const LAST: [&str; 40] = [
    "Albrecht",
    "Baptiste",
    "Castellan",
    "Dufour",
    "Eriksen",
    "Fonseca",
    "Grimaldi",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quispe",
    "Rossi",
    "Sato",
    "Tanaka",
    "Ullmann",
    "Varga",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zeman",
    "Amari",
    "Brandt",
    "Costa",
    "Dlamini",
    "Engel",
    "Ferreira",
    "Gruber",
    "Holm",
    "Ibarra",
    "Janssen",
    "Keller",
    "Larsen",
    "Meyer",
    "Novak",
];

/// Titles of people, junior first.
pub(super) const TITLES: [&str; 12] = [
    "Apprentice",
    "Technician",
    "Analyst",
    "Engineer",
    "Designer",
    "Surveyor",
    "Senior engineer",
    "Senior analyst",
    "Site manager",
    "Principal engineer",
    "Programme manager",
    "Director",
];

/// What people know.
pub(super) const SKILLS: [&str; 12] = [
    "hydraulics",
    "welding",
    "turbines",
    "grid codes",
    "permits",
    "finance",
    "diving",
    "geology",
    "procurement",
    "safety",
    "statistics",
    "writing",
];

/// Teams: id, name, mission.
pub(super) const TEAMS: [(&str, &str, &str); 9] = [
    ("turbines", "Turbines", "Blades, bearings and everything that turns"),
    ("grid", "Grid connection", "From the station to the socket"),
    ("marine", "Marine works", "Work on and under the water"),
    ("permits", "Permits and law", "Allowed to build, and to stay"),
    ("finance", "Finance", "Money in, money out"),
    ("people", "People", "Hiring, pay and well-being"),
    ("platform", "Platform", "Data and tools for everybody else"),
    ("safety", "Safety", "Everybody goes home in the evening"),
    ("sales", "Sales", "Power purchase agreements"),
];

/// Projects: id, title.
pub(super) const PROJECTS: [(&str, &str); 26] = [
    ("tidewater", "Tidewater station"),
    ("blade-7", "Seventh blade design"),
    ("harbour-link", "Harbour cable link"),
    ("kelp-survey", "Kelp and seabed survey"),
    ("north-gate", "North gate lagoon"),
    ("quiet-bearings", "Quiet bearings"),
    ("storm-model", "Storm surge model"),
    ("dock-crane", "Crane for dock two"),
    ("eel-passage", "Passage for eels"),
    ("grid-code-26", "Grid code of 2026"),
    ("spare-parts", "Spare part forecast"),
    ("diver-training", "Diver training"),
    ("night-shift", "Night shift lighting"),
    ("ice-trial", "Winter ice trial"),
    ("open-data", "Open tide data"),
    ("payroll-move", "Payroll migration"),
    ("estuary-2", "Second estuary study"),
    ("salt-paint", "Salt resistant paint"),
    ("sensor-mesh", "Sensor mesh"),
    ("visitor-center", "Visitor center"),
    ("battery-barge", "Battery barge"),
    ("anchor-test", "Anchor pull test"),
    ("fish-counter", "Fish counter"),
    ("lagoon-lease", "Lease of the lagoon"),
    ("wave-buoy", "Wave buoys"),
    ("blade-8", "Eighth blade design"),
];

/// Offices: id, city, country, seats.
pub(super) const OFFICES: [(&str, &str, &str, u32); 5] = [
    ("bergen", "Bergen", "Norway", 60),
    ("porto", "Porto", "Portugal", 45),
    ("cardiff", "Cardiff", "Wales", 80),
    ("hamburg", "Hamburg", "Germany", 120),
    ("saint-malo", "Saint-Malo", "France", 35),
];

/// What documents are about.
pub(super) const SUBJECTS: [&str; 20] = [
    "Bearing wear",
    "Cable route",
    "Noise under water",
    "Sediment",
    "Turbine hall",
    "Crew transfer",
    "Working at height",
    "Tide tables",
    "Fish passage",
    "Concrete mix",
    "Grid faults",
    "Blade erosion",
    "Dive log",
    "Purchase terms",
    "Site access",
    "Weather windows",
    "Spare parts",
    "Lock gates",
    "Control room",
    "Visitor safety",
];

/// Kinds of documents as the schema spells them, with the word a title ends in.
pub(super) const KINDS: [(&str, &str); 5] = [
    ("report", "report"),
    ("spec", "specification"),
    ("minutes", "minutes"),
    ("guide", "guide"),
    ("contract", "contract"),
];
