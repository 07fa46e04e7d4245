"""The words from which the fake invents what the catalogue does not know: people, overviews, keywords, companies.

Nothing here is about real people or taken from any film's description.
"""

GENRES = {"Action": 28, "Adventure": 12, "Animation": 16, "Comedy": 35, "Crime": 80, "Documentary": 99, "Drama": 18,
          "Family": 10751, "Fantasy": 14, "History": 36, "Horror": 27, "Music": 10402, "Mystery": 9648,
          "Romance": 10749, "Science Fiction": 878, "TV Movie": 10770, "Thriller": 53, "War": 10752, "Western": 37}

# Genres of the catalogue that TMDB does not have.
GENRE_ALIASES = {"Biography": "History", "Musical": "Music", "Film-Noir": "Crime", "Sport": "Drama"}

GIVEN = ["Ada", "Bruno", "Céline", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katya", "Lars",
         "Mina", "Noor", "Oskar", "Petra", "Quentin", "Rosa", "Søren", "Tomás", "Ulla", "Viktor", "Wanda", "Xenia",
         "Yusuf", "Zoë", "Анна", "健", "소연", "ليلى"]
FAMILY = ["Abel", "Brandt", "Castellano", "Dufour", "Engström", "Fierro", "Gallagher", "Hoffmann", "Ivanova",
          "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novák", "O'Hara", "Petrov", "Quispe", "Rossi", "Sørensen",
          "Takahashi", "Usman", "Varga", "Wójcik", "Yilmaz", "Zhang", "Ångström", "Müller-Lüdenscheidt", "Peña"]
ROLES = ["The Stranger", "Captain Orlov", "Mrs. Gray", "Inspector Lund", "Doctor Vance (voice)", "Young Thomas",
         "The Baker's Wife", "Herself", "Agent 12", "Grandfather / Narrator", "Zoé \"Zip\" Lacroix", "Пётр", ""]
CREW = [("Screenplay", "Writing"), ("Producer", "Production"), ("Original Music Composer", "Sound"),
        ("Director of Photography", "Camera"), ("Editor", "Editing"), ("Production Design", "Art"),
        ("Costume Design", "Costume & Make-Up"), ("Stunt Coordinator", "Crew"), ("Visual Effects Supervisor",
                                                                              "Visual Effects")]
KEYWORDS = ["based on novel or book", "small town", "road trip", "heist", "time travel", "friendship", "revenge",
            "new york city", "based on true story", "dog", "sequel", "aftercreditsstinger", "woman director",
            "father son relationship", "space", "boxer", "journalist", "café", "musical", "train", "island", "robot"]

HEROES = ["a retired lighthouse keeper", "the elder of two sisters", "a rookie detective", "a travelling salesman",
          "an orphaned inventor", "the crew of a small freighter", "a disgraced surgeon", "one of three old friends",
          "a young teacher", "a getaway driver"]
PLACES = ["in a town nobody leaves", "on the last night of summer", "at the edge of the desert", "in occupied Paris",
          "aboard a train that never stops", "under the streets of the capital", "between two wars",
          "in the house at the end of the road"]
DEEDS = ["must choose between loyalty & truth", "sets out to find what was lost", "discovers a secret worth killing for",
         "falls in love with the wrong person", "plans one final job", "learns that the past is never over",
         "has until dawn to save everyone", "builds something the world isn't ready for"]
ENDS = ["Nothing will be as it was.", "But someone is watching…", "It's the \"perfect\" plan — almost.",
        "A story of courage, loss & hope.", "Based on a play.", "Not everybody comes home. 🎬", "",
        "An homage to 東京 and its night trains.", "\r\n\r\nRestored in 4K/HDR.", "Time is running out! ⏳🔥"]
TAGLINES = ["Every road ends somewhere.", "Trust no one.", "Some doors should stay closed.", "He's back & he's late.",
            "One night. One chance.", "Love/Hate.", "You have been warned ☠", "The truth has a price."]

# How an overview and a title look in the languages of which there are translations.
TRANSLATED = {
    "ru": ("Фильм «{0}»", "История о том, как всё пошло не по плану — и почему это к лучшему. «{0}», {1} год."),
    "fr": ("{0} (version française)", "L'histoire d'un été où tout bascule : amour, trahison & rédemption. « {0} », {1}."),
    "de": ("{0} – Der Film", "Eine Geschichte über Größe, Mut und die Frage, was übrig bleibt. „{0}“, {1}."),
}

# code, English name, own name ("" as TMDB has for some), country code, country, original titles in that language.
LANGUAGES = [
    ("fr", "French", "Français", "FR", "France", "Le {0} de l'été"),
    ("ja", "Japanese", "日本語", "JP", "Japan", "夜の列車・{0}"),
    ("ru", "Russian", "Pусский", "RU", "Russia", "Долгая дорога {0}"),
    ("ko", "Korean", "한국어/조선말", "KR", "South Korea", "여름의 {0}"),
    ("de", "German", "Deutsch", "DE", "Germany", "Die Straße nach {0}"),
    ("hi", "Hindi", "हिन्दी", "IN", "India", "रात की गाड़ी {0}"),
    ("ar", "Arabic", "العربية", "EG", "Egypt", "ليلة {0}"),
    ("km", "Khmer", "", "KH", "Cambodia", "ផ្លូវ {0}"),
]
ENGLISH = ("en", "English", "English", "US", "United States of America", "{0}")

COMPANIES = ["Harbor & Sons Pictures", "Studio Kranich", "Nordlys Film", "Société des Deux Rives", "Red Kite",
             "五つ星映画", "Monument/Avenue"]

# provider_id, provider_name, display_priority
PROVIDERS = [(8, "Netflix", 0), (9, "Amazon Prime Video", 1), (337, "Disney Plus", 2), (2, "Apple TV", 4),
             (3, "Google Play Movies", 14), (10, "Amazon Video", 8), (531, "Paramount Plus", 21), (11, "MUBI", 25)]
REGIONS = ["US", "GB", "DE", "FR", "RU", "BR"]
